"""Small spiders that the flow tests run by the real command."""
