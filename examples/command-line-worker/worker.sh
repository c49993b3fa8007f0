#!/bin/sh
# A worker that knows nothing of elections: while it runs, it leads.
trap 'echo "worker $LOCKED_ID: told to end"; exit 0' TERM
echo "worker $LOCKED_ID: leads $LOCKED_PATH with token $LOCKED_TOKEN"
while true; do
  # What is waited for in the background can be interrupted at once.
  sleep 1 &
  wait $!
  echo "worker $LOCKED_ID: works"
done
