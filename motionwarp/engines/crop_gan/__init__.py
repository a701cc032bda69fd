"""What every GAN over a crop of the person shares: the window that follows them, its inputs, its data, and cutting them out."""
