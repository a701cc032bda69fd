"""Affine and thin-plate-spline maps, sampling grids, fitting and smoothing over time.

Examples
--------
>>> import torch
>>> from motionwarp.geometry.affine import apply_affine, fit_similarity, invert_affine
>>> corners = torch.tensor([[0.0, 0.0], [10.0, 0.0], [10.0, 20.0], [0.0, 20.0]])
>>> turned = corners @ torch.tensor([[0.0, 1.0], [-1.0, 0.0]]) * 2 + 5
>>> there = fit_similarity(corners, turned, torch.ones(4))
>>> torch.allclose(apply_affine(there, corners), turned, atol=1e-4)
True
>>> torch.allclose(apply_affine(invert_affine(there), turned), corners, atol=1e-4)
True
"""
