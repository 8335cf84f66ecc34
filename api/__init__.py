"""BotWire over HTTP: requests in, calls of the domain, answers out. No rule about memory is decided here."""
