"""Checkpoint files, the registry of weights, and the cache of fetched ones.

Examples
--------
>>> from motionwarp.checkpoints.checkpoint import load_checkpoint, save_checkpoint
>>> from motionwarp.checkpoints.registry import registry
>>> [entry.name for entry in registry() if entry.ships]
['analyser', 'warping_gan', 'body', 'lifter', 'hpn_flow', 'hpn', 'rate_net', 'cyclegan', 'swap_gan']

A checkpoint is tensors, the name of their architecture and its configuration; reading one runs no code:

>>> import torch
>>> line = torch.nn.Linear(2, 1)
>>> save_checkpoint("line.safetensors", line.state_dict(), "line", {"inputs": 2}).name
'line.safetensors'
>>> checkpoint = load_checkpoint("line.safetensors", "line")
>>> checkpoint.config
{'inputs': 2}
>>> checkpoint.load_into(line)
"""
