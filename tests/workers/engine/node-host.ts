// The Host of tests is the one that the command line has.
export { nodeHost, type NodeHostOptions } from "../../../web/cli/node-host.ts";
