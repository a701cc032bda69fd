"""The weights that ship with motionwarp and the registry that names them; read through `motionwarp.weights`."""
