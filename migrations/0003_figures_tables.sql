CREATE TABLE `counting` (
	`hour` integer NOT NULL,
	`metric` text NOT NULL,
	`email_id` text NOT NULL,
	`recipient` integer,
	`relay` text,
	`category` text NOT NULL,
	`count` integer NOT NULL,
	`sender_domain` text NOT NULL,
	`recipient_domain` text NOT NULL,
	`tags` text NOT NULL,
	`known` integer NOT NULL,
	`facet` integer
);
--> statement-breakpoint
CREATE TABLE `facets` (
	`id` integer PRIMARY KEY NOT NULL,
	`level` integer NOT NULL,
	`day` integer NOT NULL,
	`sender_domain` text NOT NULL,
	`recipient_domain` text NOT NULL,
	`tags` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `facets_whole` ON `facets` (`sender_domain`,`recipient_domain`,`tags`);--> statement-breakpoint
CREATE INDEX `facets_day` ON `facets` (`day`,`level`);--> statement-breakpoint
CREATE TABLE `figures` (
	`hour` integer NOT NULL,
	`metric` text NOT NULL,
	`facet` integer NOT NULL,
	`relay` text NOT NULL,
	`category` text NOT NULL,
	`count` integer NOT NULL,
	PRIMARY KEY(`hour`, `metric`, `facet`, `relay`, `category`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `firsts` (
	`email_id` text NOT NULL,
	`recipient` integer NOT NULL,
	`metric` text NOT NULL,
	`at` integer NOT NULL,
	`event_id` text NOT NULL,
	PRIMARY KEY(`email_id`, `recipient`, `metric`)
) WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `uncounted` (
	`id` integer PRIMARY KEY NOT NULL,
	`hour` integer NOT NULL,
	`metric` text NOT NULL,
	`email_id` text NOT NULL,
	`recipient` integer,
	`relay` text,
	`category` text NOT NULL,
	`count` integer NOT NULL
);
--> statement-breakpoint
DROP INDEX `events_type`;--> statement-breakpoint
CREATE INDEX `events_category` ON `events` (`category`,`at`,`id`) WHERE category <> 'accepted';--> statement-breakpoint
CREATE INDEX `events_type` ON `events` (`type`,`at`,`id`);--> statement-breakpoint
DROP INDEX `recipients_address`;--> statement-breakpoint
CREATE INDEX `recipients_address` ON `recipients` (lower(address));--> statement-breakpoint
CREATE INDEX `emails_message_id` ON `emails` (`message_id`) WHERE message_id IS NOT NULL;--> statement-breakpoint
CREATE INDEX `emails_custom_id` ON `emails` (meta ->> '$.mailjet.custom_id') WHERE meta ->> '$.mailjet.custom_id' IS NOT NULL;