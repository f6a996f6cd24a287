# For those who type make; everything happens in ./run.
.DEFAULT_GOAL := help
.PHONY: help up test lint bench chaos lock doctor

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## start everything; Ctrl-C stops it, data stays in ./var
	@./run

test: ## all checks and all tests
	@./run test

lint: ## ruff, mypy and the import rules
	@./run lint

bench: ## measure throughput and latency
	@./run bench

chaos: ## kill things at random while mail flows
	@./run chaos

lock: ## write requirements.lock anew
	@./run lock

doctor: ## check this installation
	@./run doctor
