# Everything is built into .venv; each step of the set-up leaves a stamp there, so that a second
# `make setup` does nothing. The steps, and the three modes, are in tools/setup_env.py.

MODE := $(if $(ROS_DISTRO),sourced,wheels)
UBUNTU_PYTHON := $(or $(PYTHON),python3.12)
PYTHON ?= $(if $(ROS_DISTRO),python3,python3.11)
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
STEP = @$(PYTHON) -c "" 2>/dev/null || { \
	echo "$(PYTHON) does not run. On Debian or Ubuntu: apt-get install $(PYTHON) $(PYTHON)-dev $(PYTHON)-venv;" \
	"another version: make setup PYTHON=python3.12" >&2; exit 1; }; \
	$(PYTHON) tools/setup_env.py

# Packages of another ROS that a shell has sourced once were built for another Python.
ifneq ($(MODE),sourced)
unexport PYTHONPATH
endif

export GRASP_VENV := $(VENV)
export GRASP_MODE := $(MODE)

# ROS and colcon keep their logs in the environment, too.
export ROS_LOG_DIR ?= $(CURDIR)/$(VENV)/log/ros
export COLCON_HOME ?= $(CURDIR)/$(VENV)/colcon

.PHONY: help setup sim test test-slow test-ubuntu lint bench clean constraints moveit-messages
.DEFAULT_GOAL := help
.NOTPARALLEL:

help:  ## explain the targets
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

setup: $(STAMPS)/stack  ## build the environment in .venv; nothing else is touched

sim: setup  ## set up, then pick five objects in simulation
	$(BIN)/grasp sim --picks 5

test: setup  ## set up, then run the tests, without the slow ones
	$(BIN)/python -m pytest -m "not slow"

test-slow: setup  ## set up, then run the slow tests
	$(BIN)/python -m pytest -m slow

test-ubuntu:  ## the tests on Python 3.12 with Ubuntu 24.04's numpy, scipy and OpenCV, in .venv-ubuntu
	$(MAKE) test MODE=ubuntu VENV=.venv-ubuntu PYTHON=$(UBUNTU_PYTHON)

lint: setup  ## check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup  ## measure speed: detectors, simulator, planning, latency
	$(BIN)/grasp bench

moveit-messages: setup  ## build the messages of MoveIt, for planner:=moveit without a ROS installation
	$(STEP) moveit-messages

clean:  ## remove .venv and .venv-ubuntu, what colcon built, and caches
	rm -rf .venv .venv-ubuntu build install log .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name .git -prune -o \( -name __pycache__ -o -name '*.egg-info' \) -prune -exec rm -rf {} +

constraints:  ## resolve the requirements afresh, write constraints.txt and requirements-sourced.txt
	$(BIN)/python tools/update_constraints.py

# The first stamp says where and for which kind of ROS the environment was made. A checkout that
# has moved, or a shell that sources ROS since, needs a new one.
ifneq ($(file < $(STAMPS)/environment),$(CURDIR) $(MODE))
.PHONY: $(STAMPS)/environment
endif

$(STAMPS)/environment:
	$(STEP) environment

$(STAMPS)/ros: requirements-ros.txt constraints.txt $(STAMPS)/environment
	$(STEP) ros

$(STAMPS)/packages: requirements.txt requirements-sourced.txt requirements-ubuntu.txt \
		constraints.txt $(STAMPS)/environment
	$(STEP) packages

$(STAMPS)/interfaces: $(STAMPS)/ros $(STAMPS)/packages \
		$(wildcard interfaces/*/* interfaces/*/*/*.* src/grasp_msgs/* src/grasp_msgs/*/*.*)
	$(STEP) interfaces

$(STAMPS)/stack: $(if $(filter sourced,$(MODE)),,$(STAMPS)/interfaces) $(STAMPS)/packages \
		pyproject.toml $(wildcard src/*/*/__init__.py)
	$(STEP) stack
