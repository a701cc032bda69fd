"""The Soft-Gated Warping-GAN as the paper has it."""
