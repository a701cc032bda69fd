"""The person in three dimensions: a body model, its skinning, its picture, and what is fitted to photos and clips."""
