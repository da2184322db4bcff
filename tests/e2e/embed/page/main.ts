// The widget's inside with the double for an engine; double.json beside it says what the double does.
import { startFrame } from "../../../../web/embed/frame.ts";
import { EngineDouble, type Script } from "../../../web/double.ts";
import "../../../../web/styles/tokens.css";
import "../../../../web/styles/base.css";
import "../../../../web/styles/answer.css";
import "../../../../web/embed/embed.css";

const response = await fetch("./double.json");
const { answer, ...script } = (await response.json()) as Partial<Omit<Script, "answer">> & { answer?: string };
window.engine = new EngineDouble({ ...script, ...(answer === undefined ? {} : { answer: () => answer }) });
await startFrame(document.querySelector("#widget")!, window.engine);
