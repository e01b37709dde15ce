import type { Download } from 'heliograph/console/api'
import { Button } from '../../parts/button.tsx'
import { Notice } from '../../parts/notice.tsx'
import { say } from '../../parts/toasts.tsx'

/** Files that exist nowhere else, to be saved now. */
export function Downloads({ files }: { readonly files: readonly Download[] }) {
  return (
    <>
      <Notice tone="warn" live>
        <p>
          <strong>Save the files now.</strong> The private key is nowhere else, and is not shown
          again.
        </p>
      </Notice>
      <div class="actions">
        {files.map((file) => (
          <Button icon="down" key={file.name} onClick={() => save(file)}>
            {file.name}
          </Button>
        ))}
      </div>
    </>
  )
}

function save({ name, mediaType, base64 }: Download): void {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  const url = URL.createObjectURL(new Blob([bytes], { type: mediaType }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
  say(`Saved ${name}.`)
}
