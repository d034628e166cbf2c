"""One module or folder for each noun of the API, with the types of its answers."""
