"""One file for each promise that BotWire makes, kept by real servers under writers in processes of their own."""
