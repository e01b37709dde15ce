import {
  DeleteObjectsCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  NotFound,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import type { Truststore } from '@heliograph/core/ports'

const KEY = 'truststore.pem'

/** The truststore object in its versioned bucket. Path style, which emulators resolve too. */
export function truststore(bucket: string): Truststore {
  const client = new S3Client({ forcePathStyle: true })
  return {
    async put(pem) {
      const command = new PutObjectCommand({ Bucket: bucket, Key: KEY, Body: pem })
      const { VersionId: version } = await client.send(command)
      if (!version) throw new Error(`bucket ${bucket} is not versioned`)
      return { key: KEY, version }
    },

    async current() {
      try {
        const command = new HeadObjectCommand({ Bucket: bucket, Key: KEY })
        const { VersionId: version } = await client.send(command)
        return version ? { key: KEY, version } : undefined
      } catch (fault) {
        // for a missing object, S3 says "not found" or, without the right to list, "forbidden"
        if (fault instanceof NotFound) return undefined
        throw fault
      }
    },

    async clear() {
      for (;;) {
        const page = await client.send(new ListObjectVersionsCommand({ Bucket: bucket }))
        const all = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])]
        if (all.length === 0) return
        const Objects = all.map(({ Key, VersionId }) => ({ Key, VersionId }))
        await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }))
      }
    },
  }
}
