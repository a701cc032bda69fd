"""Many jobs on one machine or several."""
