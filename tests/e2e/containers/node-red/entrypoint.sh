#!/bin/sh
exec node node_modules/node-red/red.js --userDir /data flows.json "$@"
