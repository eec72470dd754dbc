// Uploads one file with tus-js-client; says «done» and its URL.
import fs from "node:fs";
import { createRequire } from "node:module";

const [modules, endpoint, path, fileId, number, chunk] = process.argv.slice(2);
const tus = createRequire(`${modules}/`)("tus-js-client");

const upload = new tus.Upload(fs.createReadStream(path), {
  endpoint,
  uploadSize: fs.statSync(path).size,
  chunkSize: Number(chunk),
  metadata: { file_id: fileId, number },
  retryDelays: [0, 100],
  storeFingerprintForResuming: false,
  onError: (error) => {
    console.error(String(error));
    process.exit(1);
  },
  onSuccess: () => console.log(JSON.stringify({ done: true, url: upload.url })),
});
upload.start();
