"""Pictures, videos and sound in and out of the program.

Everything past the readers is 8-bit RGB in the order a viewer sees it: rotation, pixel shape, color matrix and range
are undone while decoding, and put in place while encoding.
"""
