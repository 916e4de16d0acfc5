"""The clients of other people, installed from their registries and driven through the real proxy: `make clients`."""
