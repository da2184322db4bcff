// Starts the inside of the widget.
import { startFrame } from "./embed/frame.ts";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/answer.css";
import "./embed/embed.css";

await startFrame(document.querySelector("#widget")!);
