"""A person moved by a camera while somebody dances before it."""
