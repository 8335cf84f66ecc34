"""The site: settings, addresses, and the commands that serve it. No rule of BotWire's lives here."""
