"""The domain of BotWire: namespaces, their entries, limits and change log. It knows no request and no status code."""
