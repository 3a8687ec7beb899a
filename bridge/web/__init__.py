"""What a person or a monitor sees over HTTP (contract 9): it shows, and commands nothing."""
