"""Affine and thin-plate-spline maps, sampling grids, fitting and smoothing over time."""
