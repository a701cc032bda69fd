"""Storage of data sets: folders and object stores behind one interface."""
