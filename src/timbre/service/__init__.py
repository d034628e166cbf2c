"""The rules of a server, free of HTTP and of spectra; each package imports only those that stand before it."""
