"""What is handed out: the wheel and the sdist, and the files of `deploy/`: `make package`."""
