"""The people of the gallery, their samples, and looking for them."""
