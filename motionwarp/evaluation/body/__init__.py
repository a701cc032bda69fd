"""How well people are seen in three dimensions: lifter, joints from pixels, fits to photos, facing, people cut off."""
