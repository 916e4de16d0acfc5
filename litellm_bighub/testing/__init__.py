"""Public fakes for what is paid or hosted, speaking the real protocols over real sockets."""
