"""What every GAN over a crop of the person shares: the window that follows them, inputs, data, and cutting them out."""
