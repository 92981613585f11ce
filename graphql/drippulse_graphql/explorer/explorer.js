import { part } from "./dom.js";
import { offerExamples } from "./examples.js";
import { copyCurl, run } from "./operation.js";
import { showSchema } from "./schema.js";
import { offerStopping } from "./stream.js";

const credential = part("credential");
credential.value = sessionStorage.getItem("credential") ?? "";
credential.addEventListener("input", () => sessionStorage.setItem("credential", credential.value));
part("operation").addEventListener("submit", (event) => {
  event.preventDefault();
  void run();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    void run();
  }
});
part("curl").addEventListener("click", () => void copyCurl());
offerExamples();
offerStopping();
showSchema();
