"""The Soft-Gated Warping-GAN in the form that ships."""
