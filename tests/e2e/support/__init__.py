"""What the end-to-end tests share: the server under test, strict clients, origins with odd behaviour."""
