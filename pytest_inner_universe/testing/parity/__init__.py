"""Each test on two backends: what it saw on one is compared with what it saw on the other."""
