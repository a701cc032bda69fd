"""Blocks, networks and losses that several engines share.

Examples
--------
>>> import torch
>>> from motionwarp.nn.fuse import fuse_batch_norm
>>> network = torch.nn.Sequential(torch.nn.Conv2d(3, 8, 3), torch.nn.BatchNorm2d(8)).eval()
>>> pictures = torch.rand(1, 3, 16, 16)
>>> torch.allclose(fuse_batch_norm(network)(pictures), network(pictures), atol=1e-5)
True
"""
