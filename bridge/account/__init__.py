"""The rules of the account: what is known of its charge points, and what is asked of the cloud for them."""
