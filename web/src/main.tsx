import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/controls.css";
import "./styles/shell.css"; // first: the pages refine them
import { render } from "preact";
import { App } from "./app";
import { startSession } from "./arrival";
import { startRouter } from "./router";
import { startTheme } from "./theme";

startTheme();
startRouter();
startSession();
render(<App />, document.getElementById("app") as HTMLElement);
