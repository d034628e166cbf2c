"""Who may: teams, API keys, sessions of browsers, usage, and the audit of what they did."""
