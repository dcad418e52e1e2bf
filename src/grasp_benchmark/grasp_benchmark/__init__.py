"""Measuring the stack: picks in process, closed loop, speed, and making synthetic scenes."""
