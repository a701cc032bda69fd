"""The training-free 2D person: parts, joints, textures and their composition."""
