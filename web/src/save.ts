// Having the browser save what the server answers, where a refusal is to be told and not saved.
import { apiError } from "./api/client";

export async function save(answer: Response, name: string): Promise<void> {
  if (!answer.ok) throw apiError(answer.status, await answer.text());
  const url = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
