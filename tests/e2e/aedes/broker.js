// An MQTT broker in a dozen lines: `node broker.js PORT`. What it keeps, it keeps in memory.
const { createServer } = require("node:net");
const aedes = require("aedes")();

createServer({ noDelay: true }, aedes.handle).listen(Number(process.argv[2]), "127.0.0.1");
