// Serves @tus/server on a free port, naming uploads as their metadata says; says where in one JSON line.
import { createRequire } from "node:module";

const [modules, folder, path] = process.argv.slice(2);
const load = createRequire(`${modules}/`);
const { Server } = load("@tus/server");
const { FileStore } = load("@tus/file-store");

const server = new Server({
  path,
  datastore: new FileStore({ directory: folder }),
  namingFunction: (_, metadata) => metadata.file_id,
});
const listening = server.listen({ host: "127.0.0.1", port: 0 }, () =>
  console.log(JSON.stringify({ port: listening.address().port })),
);
