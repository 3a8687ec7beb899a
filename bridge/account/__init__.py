"""The rules of the account: the state of its charge points, and the requests that the bridge makes to the cloud."""
