"""Audio endpoints in the shape of OpenAI's: a recording in, who speaks and what is said out, in one request."""
