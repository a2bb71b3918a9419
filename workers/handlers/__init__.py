"""What is done about one account: its events and checks are loaded, decided on, and saved."""
