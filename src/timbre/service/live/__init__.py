"""Streams of a server: who may open one, what it says, and the processes that hear for all of them."""
