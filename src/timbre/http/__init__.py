"""The REST API and the web app: requests in, answers out, and no rule of the service."""
