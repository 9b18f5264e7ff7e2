"""Tests of what goes over the network, against servers of their own."""
